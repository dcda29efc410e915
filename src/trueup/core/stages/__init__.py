"""The stages of a plan, one decision each; `make_plan` lists them in order. No stage imports another."""
