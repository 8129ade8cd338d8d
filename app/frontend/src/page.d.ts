/* The modules of the page that the canvas uses; they stand in app/static. */

declare module "page/store.js" {
  export function get(name: "build"): import("./view").View | undefined;
  export function get<T>(name: string): T | undefined;
  export function set(name: string, value: unknown): void;
  export function on<T>(name: string, listener: (value: T) => void): () => void;
}

declare module "page/icons.js" {
  export function icon(name: string, classes?: string): SVGElement;
}

declare module "page/dom.js" {
  export function say(text: string): void;
  export function count(number: number, one: string, many?: string): string;
}

declare module "page/changes.js" {
  export function change(told: Record<string, unknown>): void;
}

declare module "page/outline.js" {
  export function problemCallout(problem: import("./view").Problem, name: string, actions: HTMLElement[]): HTMLElement;
}

declare module "page/build.js" {
  export function useButtons(problem: import("./view").Problem): HTMLElement[];
}

declare module "*.css" {
  const text: string;
  export default text;
}
