// The address of a state: everything that is shown can be sent to a colleague as a URL.
//
// Paths are the page's own (/search, /scenes/ID ...); the server answers the page on all of them.
// A search has the parameters of GET /api/search.

import { signal } from "@preact/signals";

export interface Address {
  /** The view and what is in it: ["alerts", "quay"]. */
  path: string[];
  params: URLSearchParams;
}

export const address = signal<Address>(current());

window.addEventListener("popstate", () => {
  address.value = current();
});

// A plain click on a link of the page changes the address without loading the page again.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const anchor = (event.target as Element).closest("a");
  if (!anchor || anchor.origin !== location.origin || anchor.target || anchor.hasAttribute("download"))
    return;
  if (anchor.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
});

/** The link to an address, for an <a>. Parameters without a value are left out. */
export function link(path: string[], params: URLSearchParams | Record<string, string> = {}): string {
  const query = new URLSearchParams(params).toString();
  // These are legible, and allowed in a query (RFC 3986).
  const legible = query.replace(/%(3A|2C|40|3B|2F)/g, (code) => decodeURIComponent(code));
  return `/${path.map(encodeURIComponent).join("/")}${legible && `?${legible}`}`;
}

/** Shows an address; "replace" leaves the one before out of the browser's history. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  if (to === location.pathname + location.search) return;
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  address.value = current();
}

/** Changes a parameter of the address without a step in the browser's history; "" removes it. */
export function show(changes: Record<string, string>): void {
  const { path, params } = address.value;
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  go(link(path, next), "replace");
}

function current(): Address {
  return {
    path: location.pathname.split("/").filter(Boolean).map(decoded),
    params: new URLSearchParams(location.search),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
