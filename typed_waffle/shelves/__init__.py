"""Where copies of the settings are kept."""
