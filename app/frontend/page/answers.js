/* Makes sure that every answer of Gradio's queue arrives.

   Gradio reads the answers to a page's events from one event stream, and the server ends that stream whenever no event of the page
   is under way. An event sent in this moment is lost: its reply still finds the stream open, so the page opens no other one, and
   nobody reads what the server answers (Gradio 6.31). A stream held open all the time would cost one of the six connections that a
   browser has for all tabs together. So the page gets a stream here that never ends, fed from as many real ones as it takes: a
   further one is opened whenever one has ended and an answer is still missing.

   The page can ask for the edits that are still unanswered, and hears of what never will be ("df-lost"). Gradio's heartbeat, one more
   connection for each tab, is not sent: nothing here needs to know when a tab is closed.

   A plain script, not a module: it has to stand before Gradio sends its first event. */

(() => {
  const send = window.fetch.bind(window);
  const encoder = new TextEncoder();
  const streams = new Map();
  const unanswered = new Set(); // edits, by the ids of their events; before an event has one, by its own mark
  let sentAt = -Infinity; // when the newest edit was sent

  const CHANGING = ["change", "check_yaml", "apply_yaml", "discard_yaml", "check_python", "apply_python", "discard_python", "open_pipeline"];

  class Answers {
    missing = new Set();
    early = new Set(); // answered before the reply to the event itself was read
    page = null;
    isReading = false;

    /** The stream that the page reads. */
    open(request) {
      this.request = request;
      const body = new ReadableStream({
        start: (page) => {
          this.page = page;
        },
        cancel: () => {
          this.page = null;
        },
      });
      this.read();
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    }

    sent(id, isEdit) {
      if (!this.early.delete(id)) {
        this.missing.add(id);
        if (isEdit) unanswered.add(id);
      }
      this.read();
    }

    answered(id) {
      unanswered.delete(id);
      if (!this.missing.delete(id)) this.early.add(id);
    }

    async read() {
      if (this.isReading || !this.page) return;
      this.isReading = true;
      try {
        while (this.page && this.missing.size) await this.readOne();
      } catch (error) {
        this.lose(error);
      } finally {
        this.isReading = false;
      }
    }

    async readOne() {
      const reply = await send(this.request.clone());
      if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
      let isEnded = false;
      let text = "";
      for await (const chunk of chunks(reply.body.pipeThrough(new TextDecoderStream()))) {
        text += chunk;
        const messages = text.split("\n\n");
        text = messages.pop();
        for (const message of messages) isEnded = this.pass(message) || isEnded;
      }
      if (!isEnded) throw new Error("the connection broke");
    }

    /** Hand one message to the page; the end of the stream is kept from it. */
    pass(message) {
      const told = JSON.parse(message.slice(message.indexOf("data:") + 5));
      if (told.msg === "close_stream") return true;
      if (told.msg === "process_completed") this.answered(told.event_id);
      if (told.msg === "unexpected_error" && !told.event_id) this.giveUp(told.message);
      this.page?.enqueue(encoder.encode(`${message}\n\n`));
      return told.msg === "unexpected_error";
    }

    giveUp(reason) {
      for (const id of this.missing) unanswered.delete(id);
      this.missing.clear();
      tellLost(reason);
    }

    /** No answer comes any more: the page hears it, and its next event opens a stream again. */
    lose(error) {
      if (this.request.signal.aborted) return; // the page itself gave it up, and opens another one
      this.giveUp(error.message);
      this.page?.enqueue(encoder.encode(`data: ${JSON.stringify({ msg: "unexpected_error", message: `Connection lost: ${error.message}. Try again.` })}\n\n`));
    }
  }

  function tellLost(reason) {
    window.dispatchEvent(new CustomEvent("df-lost", { detail: reason }));
  }

  async function* chunks(stream) {
    const reader = stream.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  }

  function answersOf(session) {
    if (!streams.has(session)) streams.set(session, new Answers());
    return streams.get(session);
  }

  async function join(input, init) {
    const { session_hash: session, fn_index: event } = JSON.parse(init.body);
    const isEdit = isEditing(event);
    const mark = Symbol("sent");
    if (isEdit) {
      sentAt = performance.now();
      unanswered.add(mark);
    }
    try {
      const reply = await send(input, init);
      if (reply.ok) answersOf(session).sent((await reply.clone().json()).event_id, isEdit);
      else tellLost(`the server answered ${reply.status}`);
      return reply;
    } catch (error) {
      tellLost(error.message);
      throw error;
    } finally {
      unanswered.delete(mark);
    }
  }

  /** Whether an event changes the pipeline, or may: those of the form do, which is made later and so is not in Gradio's list. */
  function isEditing(id) {
    const known = window.gradio_config.dependencies.find((event) => event.id === id);
    return !known || CHANGING.includes(known.api_name);
  }

  /** When the newest edit was sent (as `performance.now()` counts), and how many have no answer yet. */
  window.distilflowEdits = () => ({ sentAt, unanswered: unanswered.size });

  window.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (url.origin !== location.origin) return send(input, init);
    if (url.pathname.endsWith("/queue/join") && typeof init?.body === "string") return join(input, init);
    if (url.pathname.endsWith("/queue/data")) {
      return Promise.resolve(answersOf(url.searchParams.get("session_hash")).open(new Request(input, init)));
    }
    if (url.pathname.includes("/gradio_api/heartbeat/")) {
      return Promise.resolve(new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } }));
    }
    return send(input, init);
  };
})();
