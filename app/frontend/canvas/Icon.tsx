import { useEffect, useRef } from "react";
import { icon } from "page/icons.js";

export function Icon({ name, classes = "" }: { name: string; classes?: string }) {
  const holder = useRef<HTMLSpanElement>(null);
  useEffect(() => holder.current?.replaceChildren(icon(name, classes)), [name, classes]);
  return <span className="df-icon-holder" ref={holder} />;
}
