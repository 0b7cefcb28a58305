"""A thousand requests in the form of the Message Batches API."""

requests = [
    {
        "custom_id": f"article-{number:04}",
        "params": {
            "model": "claude-sonnet-4-6",
            "max_tokens": 60,
            "messages": [{"role": "user", "content": f"Write one line about topic {number}."}],
        },
    }
    for number in range(1000)
]
