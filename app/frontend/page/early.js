/* The pipeline in the address is asked for before anything else: the canvas draws it as soon as there is one, and Gradio's answer,
   which comes later, finds it there. */

const query = new URLSearchParams(location.search);
const name = query.get("pipeline");
const isBuild = ["build", null].includes(query.get("place"));

if (name && isBuild) {
  const path = new URL(`api/pipelines/${encodeURIComponent(name)}/view`, document.baseURI);
  // what is wrong is told with Gradio's answer
  window.distilflowEarly = fetch(path).then((reply) => (reply.ok ? reply.json() : null), () => null);
}
