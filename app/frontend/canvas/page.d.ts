/* The modules of the page that the canvas uses; they stand in ../page. */

declare module "page/store.js" {
  export function get(name: "build"): import("./view").View | undefined;
  export function get<T>(name: string): T | undefined;
  export function set(name: string, value: unknown): void;
  export function on<T>(name: string, listener: (value: T) => void): () => void;
  export function go(changes: Record<string, string>, how?: { replace?: boolean }): void;
}

declare module "page/icons.js" {
  export function icon(name: string, classes?: string): SVGElement;
}

declare module "page/dom.js" {
  export function say(text: string): void;
  export function count(number: number, one: string, many?: string): string;
  export function number(value: number): string;
}

declare module "page/form.js" {
  export function enterForm(): void;
}

declare module "page/changes.js" {
  export function change(told: Record<string, unknown>): void;
}

declare module "page/follow.js" {
  export function chosen(run: import("./view").RunView): string;
}

declare module "page/standing.js" {
  export interface Standing {
    state: string;
    word: string;
    icon: string;
    spins: boolean;
    kind: string;
    amount: string;
    asides: { text: string; kind?: string }[];
    hasFailures: boolean;
    share: number;
    failedShare: number;
    moves: boolean;
  }
  export function standingOf(progress: import("./view").Progress | undefined, report: string): Standing;
  export function together(all: (import("./view").Progress | undefined)[]): import("./view").Progress;
}

declare module "page/preview.js" {
  export function startPreview(step?: string): void;
  export function previewOf(name: string): { rows: unknown[]; failures: unknown[] } | undefined;
}

declare module "page/check.js" {
  export function checkOf(name: string): { model: string; is_usable: boolean; word: string; seconds: number | null } | undefined;
  export function took(seconds: number | null): string;
}

declare module "page/commands.js" {
  export function openCommands(asked?: { add?: string[]; connect?: string; of?: string; at?: [number, number] }): void;
}

declare module "page/outline.js" {
  export function problemCallout(problem: import("./view").Problem, name: string, actions: HTMLElement[]): HTMLElement;
}

declare module "page/problems.js" {
  export function useButtons(problem: import("./view").Problem): HTMLElement[];
}

declare module "page/palette.js" {
  export const DRAGGED: string;
}
