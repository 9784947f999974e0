"""An agent that says what it heard: a spoken question goes in as frames, its answer comes out as frames.

    python examples/python/echo.py
"""

import asyncio

import duologue

FRAME_MS = 10


async def speak_to(pipeline: duologue.AudioPipeline, question: duologue.AudioChunk) -> None:
    """Pushes the question in real time, and silence after it, as a microphone would."""
    size = question.sample_rate * FRAME_MS // 1000 * 2
    frames = [question[at : at + size] for at in range(0, len(question), size)]
    while True:
        frame = frames.pop(0) if frames else b""
        pipeline.push(frame.ljust(size, b"\0"))
        await asyncio.sleep(FRAME_MS / 1000)


async def play(pipeline: duologue.AudioPipeline) -> None:
    """Takes what is to be played; a program would hand it to its speakers."""
    while True:
        await pipeline.pull()


async def main() -> None:
    def answer(text: str) -> str:
        return f"You said: {text}."

    question = await duologue.Tts().synthesize_async("what time is it")
    async with duologue.AudioPipeline(on_turn=answer, capture_rate=question.sample_rate) as pipeline:
        tasks = [asyncio.create_task(speak_to(pipeline, question)), asyncio.create_task(play(pipeline))]
        async for event in pipeline.events():
            if event["type"] in ("user_turn", "agent_turn"):
                print(f"{event['at']:6.2f}  {event['type']:<10}  {event['text']}")
            if event["type"] == "agent_turn":
                break
        for task in tasks:
            task.cancel()


asyncio.run(main())
