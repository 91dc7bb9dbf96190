"""What several tests share: servers, browsers, processes, oracles and made-up data."""
