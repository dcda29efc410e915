"""trueup keeps a trading bot's books true."""

__version__ = "0.1.0"
