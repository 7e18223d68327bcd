"""What runs every minute, whether anybody watches or not."""
