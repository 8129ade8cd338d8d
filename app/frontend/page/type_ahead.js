/* Keys that come before what they are meant for: they are kept, and pressed once it is there, so that whoever types fast loses
   nothing and nothing else takes them for its own. Text that no key makes (pasted, composed) is caught by a field out of sight. */

import { moveFocus } from "./focus.js";
import { h } from "./dom.js";

const LONGEST_MS = 10_000; // nobody is kept from the rest of the page for longer
const MODIFIERS = ["Shift", "Control", "Alt", "Meta"];
const KEPT = ["Tab", "Enter", "Escape", "Backspace", "Delete", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "F6"];
const CARET = { ArrowLeft: ["left", "character"], ArrowRight: ["right", "character"], ArrowUp: ["backward", "line"], ArrowDown: ["forward", "line"], Home: ["backward", "lineboundary"], End: ["forward", "lineboundary"] };
const STEPS = { ArrowUp: "stepUp", ArrowDown: "stepDown" }; // of a number
const COMMANDS = ["a", "k", "Enter"]; // with Ctrl; all others are left to the browser
const reasons = new Map(); // why keys are kept, with the timers that give them up
let keys = [];
let pressing = null; // until all that was kept is pressed
let catcher = null;

/** Whether keys are kept, or some that were are not pressed yet. */
export const isKeeping = () => reasons.size > 0 || pressing !== null;

export const hasKept = () => keys.length > 0;

/** Whether this is the field that the focus waits in. */
export const isWaiting = (element) => element !== null && element === catcher;

/** Keep the keys that are pressed from now on, until `release(reason)`. */
export function keep(reason, longestMs = LONGEST_MS) {
  if (reasons.has(reason)) return;
  const giveUp = () => {
    if (longestMs === LONGEST_MS) keys = [];
    release(reason);
  };
  reasons.set(reason, setTimeout(giveUp, longestMs));
}

/** Press what was kept, once there is no other reason to keep it; resolves when all of it is pressed. */
export async function release(reason) {
  clearTimeout(reasons.get(reason));
  if (reasons.delete(reason)) await press();
}

/** Press these before all that are kept. */
export function pressFirst(...some) {
  keys.unshift(...some);
  press();
}

/** What was kept is meant for nothing that will come. */
export function forget() {
  keys = [];
}

/** Put the focus where no key does any harm. */
export function focusNowhere() {
  catcher ??= document.body.appendChild(h("textarea", { class: "df-sr", id: "type-ahead", tabindex: "-1", "aria-label": "The form is being made; go on typing", oninput: catchText, oncompositionend: catchText }));
  catcher.focus({ preventScroll: true });
}

function catchText({ isComposing }) {
  if (isComposing) return; // until it is composed to its end, each event brings all of it again
  if (isKeeping() && catcher.value) keys.push({ text: catcher.value });
  catcher.value = "";
}

function press() {
  pressing ??= pressAll();
  return pressing;
}

async function pressAll() {
  await null; // this must not end before `press` has got hold of it
  try {
    while (keys.length) {
      if (!reasons.size) pressNext();
      await new Promise((go) => setTimeout(go)); // Gradio acts on a key a moment later, which can be a reason to keep the next one
    }
  } finally {
    keys = []; // after an error nobody knows where the others would go
    pressing = null;
  }
}

function pressNext() {
  const { text, ...key } = keys.shift();
  if (text === undefined) pressKey(key);
  else insert(text);
}

function pressKey(key) {
  const target = document.activeElement ?? document.body;
  const tell = (name) => target.dispatchEvent(new KeyboardEvent(name, { ...key, bubbles: true, cancelable: true }));
  if (!tell("keydown")) return;
  const isCommand = key.ctrlKey || key.metaKey;
  const isButton = target.matches("button, a, summary, [role=button], input[type=checkbox], input[type=radio]");
  if (isCommand) return void (key.key === "a" && target.select?.());
  if (key.key === "Tab") return moveFocus(key.shiftKey ? -1 : 1);
  if (isButton && (key.key === " " || (key.key === "Enter" && !target.matches("input")))) return target.click();
  if (key.key === "Enter") return void (tell("keypress") && target.matches("textarea") && insert("\n"));
  if (key.key === "Backspace" || key.key === "Delete") return void document.execCommand(key.key === "Delete" ? "forwardDelete" : "delete");
  if (key.key in STEPS && target.matches("input[type=number]")) return stepNumber(target, STEPS[key.key]);
  if (key.key in CARET) return void getSelection().modify(key.shiftKey ? "extend" : "move", ...CARET[key.key]);
  if (key.key.length === 1) insert(key.key);
}

function stepNumber(field, how) {
  field[how]();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Type into the field that has the focus: only so does the browser tell of it as of typing, and can take it back. */
function insert(text) {
  document.execCommand("insertText", false, text);
}

// before anything else hears of a key
window.addEventListener("keydown", (event) => {
  if (!isKeeping() || !event.isTrusted || !isMeant(event.target) || MODIFIERS.includes(event.key) || event.isComposing) return;
  const { key, code, ctrlKey, shiftKey, altKey, metaKey } = event;
  const isText = key.length === 1 && (!altKey || event.getModifierState("AltGraph"));
  if ((ctrlKey || metaKey) && !event.getModifierState("AltGraph") ? !COMMANDS.includes(key) : !isText && !KEPT.includes(key)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  keys.push({ key, code, ctrlKey, shiftKey, altKey, metaKey });
}, true);

/** Whether somebody types ahead, and did not go elsewhere by mouse. */
function isMeant(target) {
  return target === catcher || target === document.body || Boolean(target.closest?.(".df-form"));
}
