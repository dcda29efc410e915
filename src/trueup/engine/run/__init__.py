"""One run of an account: observe, plan, ask, apply, notify, report."""
