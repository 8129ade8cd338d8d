/* What leads from one round to the next. */

import { say } from "./dom.js";
import { act, base, load, overview } from "./labels_state.js";
import { postJson, set } from "./store.js";

export async function startLearning() {
  say("Learning a strategy from all answers");
  set("labelsLearned", null);
  await postJson(`${base()}/learn`, {}).catch(() => null);
  load();
}

/** Close the round, learn from it, and open the next one when that is done. */
export async function nextRound() {
  if (overview()?.round) await act({ do: "close-round" });
  await startLearning();
}
