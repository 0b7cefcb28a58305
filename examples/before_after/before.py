"""The loop that every introduction to batches shows, with the official SDK."""

import time

import anthropic
from work import requests

# before
client = anthropic.Anthropic()
batch = client.messages.batches.create(requests=requests)
while client.messages.batches.retrieve(batch.id).processing_status != "ended":
    time.sleep(60)
lines = client.messages.batches.results(batch.id)
answers = {r.custom_id: r.result.message for r in lines if r.result.type == "succeeded"}
# end

for custom_id in sorted(answers):
    print(custom_id, answers[custom_id].content[0].text)
