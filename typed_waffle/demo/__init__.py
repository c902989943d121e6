"""The runnable tour: a small shop on real parts."""
