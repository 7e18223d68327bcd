"""Invented viewing for the dashboard, sent as the service sends its events."""
