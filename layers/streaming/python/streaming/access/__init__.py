"""Access control: authentication by tokens, permission to watch by subscriptions."""
