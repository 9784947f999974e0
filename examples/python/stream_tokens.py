"""Text that comes word by word, as from a language model, is spoken clause by clause, while it still comes.

    python examples/python/stream_tokens.py
"""

import asyncio
from collections.abc import AsyncIterator

import duologue

ANSWER = "It is a quarter past nine. The kettle is on, and the light in the kitchen is off."


async def model(question: str) -> AsyncIterator[str]:
    """Stands for a language model: forty words a second."""
    for word in ANSWER.split(" "):
        await asyncio.sleep(0.025)
        yield word + " "


async def play(pipeline: duologue.AudioPipeline) -> None:
    while True:
        await pipeline.pull()


async def main() -> None:
    async with duologue.AudioPipeline(on_turn=model) as pipeline:
        player = asyncio.create_task(play(pipeline))
        pipeline.user_text("what time is it")
        async for event in pipeline.events():
            if event["type"] == "state":
                print(f"{event['at']:6.2f}  {event['state']}")
            if event["type"] == "agent_turn":
                print(f"{event['at']:6.2f}  heard: {event['heard']}")
                break
        player.cancel()


asyncio.run(main())
