# The names of dev.py, for those whose fingers type make.
NAMES := demo test lint format bench lock setup help

.PHONY: $(NAMES)
$(NAMES):
	@python3 dev.py $@ $(ARGS)
