"""What can be seen of incoming hooks from outside."""

from prometheus_client import Counter

POSTS = Counter(
    "folkmoot_incoming_posts_total", "What was posted through hooks, by how it ended: ok, or the code.", ["outcome"]
)
