"""OpenAI's own Python client against `duologue serve`: openai_client.py PROGRAM."""

import re
import subprocess
import sys
import time

import openai

KEY = "secret-of-the-test"
SAID = "turn on the kitchen light"


def serve(program):
    """The running server and its address."""
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--api-key", KEY], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if found := re.search(r"http://\S+", line):
            return process, found.group()
    raise SystemExit("the server ended before it listened")


def speaks(client):
    files = {}
    for form in ["mp3", "opus", "flac", "wav", "pcm"]:
        answer = client.audio.speech.create(model="tts-1", voice="alloy", input=SAID, response_format=form)
        files[form] = answer.read()
        assert len(files[form]) > 1_000, form
    assert client.audio.speech.create(model="tts-1", voice="nova", input=SAID).read()[:2] == b"\xff\xf3", "mp3 by default"
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice={"id": "verse"}, input=SAID + ". " + SAID + ".", response_format="pcm"
    ) as answer:
        chunks = list(answer.iter_bytes())
    assert sum(map(len, chunks)) > len(files["pcm"]), chunks
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="ash", input=SAID, extra_body={"stream_format": "sse"}
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert "speech.audio.delta" in lines[0] and "speech.audio.done" in lines[-1], lines[-1]
    return files


def hears(client, files):
    create = client.audio.transcriptions.create
    for form, file in files.items():
        if form == "pcm":
            continue
        heard = create(model="whisper-1", file=("speech.bin", file))
        assert "kitchen light" in heard.text, (form, heard)
    wav = ("lies.mp3", files["wav"])
    assert "kitchen light" in create(model="gpt-transcribe", file=wav, response_format="text")
    assert "-->" in create(model="whisper-1", file=wav, response_format="srt")
    assert create(model="whisper-1", file=wav, response_format="vtt").startswith("WEBVTT")
    verbose = create(
        model="whisper-1", file=wav, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert verbose.segments and verbose.words and verbose.duration > 0.5, verbose
    events = list(create(model="gpt-4o-transcribe", file=wav, stream=True))
    assert events[-1].type == "transcript.text.done" and "kitchen light" in events[-1].text, events
    assert "".join(event.delta for event in events[:-1]) == events[-1].text, events


def refuses(client, url):
    def expect(kind, call):
        try:
            call()
        except kind as error:
            assert error.body["message"], error
            return error
        raise AssertionError(f"{kind} was expected")

    speak = client.audio.speech.create
    error = expect(openai.BadRequestError, lambda: speak(model="tts-1", voice="alloy", input=" "))
    assert error.param == "input", error
    expect(openai.BadRequestError, lambda: speak(model="tts-1", voice="alloy", input="a", response_format="aac"))
    error = expect(openai.NotFoundError, lambda: speak(model="tts-9", voice="alloy", input="a"))
    assert error.code == "model_not_found", error
    expect(openai.NotFoundError, lambda: client.models.retrieve("gpt-9"))
    stranger = openai.OpenAI(base_url=url, api_key="guess", max_retries=0)
    error = expect(
        openai.AuthenticationError, lambda: stranger.audio.speech.create(model="tts-1", voice="alloy", input="a")
    )
    assert error.code == "invalid_api_key", error


def main():
    process, url = serve(sys.argv[1])
    try:
        client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, _strict_response_validation=True)
        began = time.monotonic()
        names = [model.id for model in client.models.list()]
        assert {"tts-1", "whisper-1"} <= set(names), names
        assert client.models.retrieve("whisper-1").id == "whisper-1"
        files = speaks(client)
        hears(client, files)
        refuses(client, url)
        process.terminate()
        assert process.wait(60) == 0, "it did not end well at SIGTERM"
        print(f"the client openai {openai.__version__} was served, {time.monotonic() - began:.1f} s")
    finally:
        process.kill()


main()
