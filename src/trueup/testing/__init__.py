"""The contracts that a venue, a kind of books and a ledger keep, as tests that anybody can run on their own.

They are a pytest plugin that comes with trueup (`pip install trueup[testing]`): name what is under test in pytest's
configuration, and run the suite of its kind.

    [tool.pytest.ini_options]
    trueup_venues = ["mine = tests.my_venue_bench:my_venue_bench"]

    pytest --pyargs trueup.testing.venues
"""
