"""What a person changes of the books, on its way through one transaction. Values only."""

UNDOES = "undoes"  # in the changes of a logged correction: the run or the correction that it takes back
