"""Edge QLoRA: prepare models for the accelerator and drive it."""
