// Theme, copying of commands, and charts in the page's colours.
"use strict";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

function draw() {
  const ink = colour("--muted");
  for (const [key, figure] of Object.entries(JSON.parse(document.getElementById("figures").textContent))) {
    const box = document.getElementById(`plot-${key}`);
    const series = (place) => colour(`--series-${1 + (place % 6)}`);
    const labels = figure.layout.annotations.filter((label) => label.name !== "target");
    const longest = Math.max(...labels.map((label) => label.text.length));
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zeroline: false, tickcolor: colour("--line") };
    figure.data.forEach((trace, place) => {
      trace.line = { color: series(place), width: 2 };
      trace.marker = { ...trace.marker, color: series(place), size: 8, line: { color: series(place), width: 1.5 } };
    });
    figure.layout.annotations.forEach((label, place) => {
      label.font = { size: 12, color: label.name === "target" ? ink : series(place) };
    });
    for (const shape of figure.layout.shapes ?? []) shape.line = { color: ink, width: 1.5, dash: "dash" };
    const layout = {
      ...figure.layout,
      height: 220,
      margin: { l: 46, r: 14 + 6.7 * longest, t: 10, b: 28 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
      xaxis: { ...axis, ...figure.layout.xaxis, showgrid: false, showline: true },
      yaxis: { ...axis, ...figure.layout.yaxis },
    };
    layout.dragmode = false;
    Plotly.react(box, figure.data, layout, { displayModeBar: false, responsive: true });
  }
}

function setTheme(theme) {
  root.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
  draw();
}

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // a browser may keep nothing for files
  }
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

document.getElementById("theme").addEventListener("click", () => {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // it holds for this view alone
  }
  setTheme(theme);
});
dark.addEventListener("change", () => remembered() ?? setTheme(dark.matches ? "dark" : "light"));
document.addEventListener("click", (event) => event.target.matches(".copy") && copy(event.target));
setTheme(remembered() ?? (dark.matches ? "dark" : "light"));
