"""Servers, browsers and other processes that tests start."""
