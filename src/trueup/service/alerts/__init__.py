"""People are told: what the configuration says of it, opened; the daily digest; the dead-man's switch."""
