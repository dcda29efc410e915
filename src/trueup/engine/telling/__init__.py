"""How people are told of alerts: what, whom, when; and that it arrives. The journal lies between the two."""
