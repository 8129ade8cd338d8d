import { get, on } from "page/store.js";
import { useEffect, useReducer, useRef } from "react";

/** A value that the page shares, as it is now. */
export function usePage<T>(name: string): T | undefined {
  return useFrom([name], () => get<T>(name));
}

/** What `read` makes of values that the page shares, and of what its component was given; drawn again only when that is something else. */
export function useFrom<T>(names: string[], read: () => T): T {
  const value = read();
  const newest = useRef({ read, value });
  newest.current = { read, value };
  const [, draw] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const look = () => {
      const { read, value } = newest.current;
      if (!Object.is(read(), value)) draw();
    };
    const stops = names.map((name) => on(name, look));
    return () => stops.forEach((stop) => stop());
  }, [names.join()]);
  return value;
}
