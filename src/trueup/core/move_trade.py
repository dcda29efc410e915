"""How the growth of an order moves its trade. Used by the core and by `Recorder`; pure."""
