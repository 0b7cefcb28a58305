"""The same with Backburner: durable, sent once, retried, in flat memory."""

from backburner import Backburner
from work import requests

# after
queue = Backburner()
run = queue.enqueue(requests)
queue.run(run.id)
answers = {r.custom_id: r.message for r in queue.results(run) if r.outcome == "ok"}
# end

for custom_id in sorted(answers):
    print(custom_id, answers[custom_id]["content"][0]["text"])
