"""Who may call, and who may watch: tokens and subscriptions."""
