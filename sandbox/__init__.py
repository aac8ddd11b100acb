"""The outside world on loopback: WeChat, WeChat Pay, cloud MAS, the population register."""
