import { get, on } from "page/store.js";
import { useEffect, useRef, useState } from "react";

/** A value that the page shares, as it is now. */
export function usePage<T>(name: string): T | undefined {
  return useFrom([name], () => get<T>(name));
}

/** What `read` makes of values that the page shares; drawn again only when that is something else. */
export function useFrom<T>(names: string[], read: () => T): T {
  const [value, setValue] = useState(read);
  const newest = useRef(read);
  newest.current = read;
  useEffect(() => {
    const look = () => setValue(() => newest.current());
    const stops = names.map((name) => on(name, look));
    return () => stops.forEach((stop) => stop());
  }, [names.join()]);
  return value;
}
