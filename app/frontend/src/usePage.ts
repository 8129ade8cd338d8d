import { get, on } from "page/store.js";
import { useEffect, useState } from "react";

/** A value that the page shares, as it is now. */
export function usePage<T>(name: string): T | undefined {
  const [value, setValue] = useState<T | undefined>(() => get<T>(name));
  useEffect(() => on<T>(name, (next) => setValue(() => next)), [name]);
  return value;
}
