"""Timing is not what these laws are about: on a busy machine an example may take longer than Hypothesis expects."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
