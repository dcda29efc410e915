"""Why a bot's rows cannot be what their mapping says: by ids, amounts, words and times."""
