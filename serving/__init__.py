"""Online scoring: the customers' snapshot, requests and answers, the BentoML service, its packaging."""
