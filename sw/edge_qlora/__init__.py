"""Edge QLoRA: prepare models for the accelerator and drive it."""

import logging

# When it is imported, bitsandbytes warns of a missing package of compiled products, which are not used here.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
