"""A page of the last regression and of the commits before it: ``make dashboard``.

``inputs`` reads what the other targets left, ``history`` keeps a line per commit, ``view`` arranges both for the page,
``plots`` draws the history, ``page`` writes the files. Nothing here measures anything.
"""
