"""Online scoring: publications and their stores, requests and answers, the BentoML service, its client."""
