/* The foot of a card: a setting, a problem, what a preview made, or how the step stands in a run. */

import { checkOf, took } from "page/check.js";
import { count, number } from "page/dom.js";
import { get } from "page/store.js";
import { previewOf } from "page/preview.js";
import { standingOf, together } from "page/standing.js";
import { useContext, useMemo } from "react";

import { Icon } from "./Icon";
import { ModeContext, type Mode } from "./pipeline";
import { useFrom } from "./usePage";
import type { DrawnNode, Progress, RunView } from "./view";

export interface FootFacts {
  state: string;
  kind: string;
  icon: string;
  spins: boolean;
  /** What stands at the left, and whether it counts rows. */
  text: string;
  countsRows: boolean;
  asides: { text: string; kind?: string }[];
  /** Progress from 0 to 1, and the share that failed; null without a bar. */
  share: number | null;
  failedShare: number;
  said: string;
}

interface Preview {
  isBusy?: boolean;
  only?: string;
}

const PLAIN: FootFacts = { state: "idle", kind: "", icon: "", spins: false, text: "", countsRows: false, asides: [], share: null, failedShare: 0, said: "" };

/** Of a foot, what the card itself shows: it changes seldom, while rows are counted twenty times a second. */
export type Look = Pick<FootFacts, "state" | "kind" | "icon" | "spins">;

const namesOf = (mode: Mode) => (mode === "run" ? ["run"] : ["build", "preview", "stale", "check"]);
const factsOf = (mode: Mode, drawn: DrawnNode) => (mode === "run" ? ofRun(drawn) : ofBuild(drawn));

export function useLook(mode: Mode, drawn: DrawnNode): Look {
  const told = useFrom(namesOf(mode), () => {
    const { state, kind, icon, spins } = factsOf(mode, drawn);
    return JSON.stringify({ state, kind, icon, spins });
  });
  return useMemo(() => JSON.parse(told) as Look, [told]);
}

function ofRun({ id, step, group, leaves }: DrawnNode): FootFacts {
  const run = get<RunView>("run");
  const report = run?.report.state ?? "";
  if (leaves.length) return ofResult(run, leaves.map((one) => one.leaf));
  const progress: Progress | undefined = step ? run?.progress?.[id] : together(group.map((name) => run?.progress?.[name]));
  const found = standingOf(progress, report);
  return {
    state: found.state,
    kind: found.kind,
    icon: found.icon,
    spins: found.spins,
    text: found.amount,
    countsRows: true,
    asides: found.asides,
    share: found.share,
    failedShare: found.failedShare,
    said: [found.word, found.amount === found.word ? "" : found.amount, ...found.asides.map((one) => one.text)].filter(Boolean).join(", "),
  };
}

/** What there is of the result: what its leaves have made, and once it is written, its rows. */
function ofResult(run: RunView | undefined, leaves: string[]): FootFacts {
  const written = Object.values(run?.report.rows ?? {}).reduce((sum, rows) => sum + rows, 0);
  const made = leaves.reduce((sum, leaf) => sum + (run?.progress?.[leaf]?.made ?? 0), 0);
  const isWritten = run?.report.state === "finished" && written > 0; // that it has finished is heard of before its rows are
  const isOver = isWritten || ["stopped", "failed"].includes(run?.report.state ?? "");
  const rows = isOver && written ? written : made;
  const passed = leaves.reduce((sum, leaf) => sum + standingOf(run?.progress?.[leaf], run?.report.state ?? "").share, 0) / Math.max(1, leaves.length);
  const state = isOver ? (written ? "done" : "stopped") : !rows ? "waiting" : run?.report.state === "paused" ? "paused" : "running";
  const word = { done: "written", stopped: "not written", running: "growing", paused: "paused", waiting: "" }[state] ?? "";
  const look = { done: ["done", "done"], stopped: ["stop", ""], running: ["arc", "acc"], paused: ["pause", ""], waiting: ["dotted", ""] }[state] ?? ["", ""];
  return {
    ...PLAIN,
    state,
    kind: look[1] ?? "",
    icon: look[0] ?? "",
    spins: state === "running",
    text: state === "waiting" ? "Waiting" : count(rows, "row"),
    countsRows: true,
    asides: word ? [{ text: word }] : [],
    share: state === "done" ? 1 : passed,
    said: `${count(rows, "row")} ${word}`,
  };
}

function ofBuild({ id, step, group, leaves }: DrawnNode): FootFacts {
  if (leaves.length) return { ...PLAIN, text: leaves.length === 1 ? "1 subset, train" : `${leaves.length} subsets, train`, asides: leaves[0]?.columns && leaves.length === 1 ? [{ text: count(leaves[0].columns.length, "column") }] : [] };
  if (!step) return { ...PLAIN, text: count(group.length, "step") };
  const [problem] = step.problems;
  if (problem) return { ...PLAIN, state: "problem", kind: "fail", icon: "warn", text: step.problems.length > 1 ? count(step.problems.length, "problem") : problem.title, said: "" };
  const preview = get<Preview>("preview");
  if (preview?.isBusy && (!preview.only || preview.only === id)) return { ...PLAIN, state: "running", kind: "acc", icon: "arc", spins: true, text: "Trying 5 rows", said: "trying 5 rows" };
  const checked = checkOf(id);
  if (checked && !checked.is_usable) return { ...PLAIN, state: "refused", kind: "fail", icon: "warn", text: checked.word, said: `${checked.model}: ${checked.word}` };
  const made = previewOf(id);
  if (made) return previewed(made);
  if (get<Record<string, string>>("stale")?.[id] === "stale") return { ...PLAIN, state: "stale", icon: "again", text: "Out of date", asides: [{ text: "runs again" }], said: "out of date, runs again" };
  if (checked) return { ...PLAIN, state: "checked", kind: "done", icon: "done", text: checked.word, asides: [{ text: took(checked.seconds) }], said: "the model answers" };
  return { ...PLAIN, text: step.setting, asides: step.price ? [{ text: step.price }] : [] };
}

function previewed({ rows, failures }: { rows: unknown[]; failures: unknown[] }): FootFacts {
  const failed = failures.length;
  const text = failed ? `${number(rows.length)} of ${number(rows.length + failed)} rows` : count(rows.length, "row");
  const kind = failed ? "warn" : "acc";
  return { ...PLAIN, state: "previewed", kind, icon: failed ? "warn" : "eye", text, countsRows: true, asides: [{ text: failed ? `${number(failed)} failed` : "preview", kind: failed ? "warn" : "" }], said: `previewed, ${text}` };
}

export function Foot({ drawn }: { drawn: DrawnNode }) {
  const mode = useContext(ModeContext);
  const told = useFrom(namesOf(mode), () => JSON.stringify(factsOf(mode, drawn)));
  const foot = useMemo(() => JSON.parse(told) as FootFacts, [told]);
  const { id } = drawn;
  return (
    <>
      <span className={`df-node-foot ${foot.kind}`} data-testid={`node-${id}-state`}>
        <span className="df-node-said">
          {foot.icon && <Icon name={foot.icon} classes={foot.spins ? "spin" : ""} />}
          {foot.countsRows ? <span data-testid={`node-${id}-rows`}>{foot.text}</span> : <span>{foot.text}</span>}
        </span>
        <span className="df-node-aside">
          {foot.asides.map((one, at) => (
            <span key={at} className={one.kind || undefined}>
              {at > 0 && " · "}
              {one.text}
            </span>
          ))}
        </span>
        <span className="df-sr">{foot.said}</span>
      </span>
      {foot.share !== null && (
        <span className={`df-node-bar ${foot.state === "done" ? "done" : ""}`}>
          <i style={{ width: `${100 * foot.share}%` }} />
          {foot.failedShare > 0 && <b style={{ width: `${100 * foot.failedShare}%` }} />}
        </span>
      )}
    </>
  );
}
