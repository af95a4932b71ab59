"""Redis: that it answers, is new enough, and passes on what is published."""

import asyncio
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from folkmoot.doctor.finding import ANSWER_S, Finding, reason, where

OLDEST_REDIS = (6, 2)


async def look_at_redis(url: str) -> Finding:
    if not url:
        return Finding("Redis", True, "none runs now; `folkmoot up` starts its own")
    place = where(url)
    try:
        async with Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, decode_responses=True
        ) as redis:
            info = await redis.info("server")
            heard = await _hears_itself(redis)
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        advice = "Check REDIS_URL (or REDIS_HOST and REDIS_PORT), and that this server runs and lets us in."
        return Finding("Redis", False, f"{place} does not let us in: {reason(error)}", advice)
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version", info["redis_version"]))
    says = f"{name} {version} answers ({place})"
    if tuple(map(int, str(info["redis_version"]).split(".")[:2])) < OLDEST_REDIS:
        return Finding("Redis", False, says, "Upgrade it to Redis 6.2 or newer, or to Valkey.")
    if not heard:
        return Finding("Redis", False, f"{says}, but publish/subscribe does not", "Allow its user PUBLISH/SUBSCRIBE.")
    return Finding("Redis", True, f"{says}, publish/subscribe works")


async def _hears_itself(redis: Redis) -> bool:
    channel = f"folkmoot:doctor:{uuid4()}"
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(channel)
        async with asyncio.timeout(ANSWER_S):
            await redis.publish(channel, "ping")
            while (message := await listener.get_message(timeout=ANSWER_S)) is None:
                continue
        return bool(message["data"] == "ping")
