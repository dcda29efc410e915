"""What people ask and decide: explain, decide, quarantine."""
