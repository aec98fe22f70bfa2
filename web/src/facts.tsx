// Facts about one thing: names and values, side by side.

import { Fragment, type ComponentChildren } from "preact";
import type { Station } from "./api";

/** Its name, its value, and the class of that where it has one; false: left out. */
export type Fact = readonly [name: string, value: ComponentChildren, kind?: string] | false;

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(
        (fact) =>
          fact && (
            <Fragment key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd class={fact[2]}>{fact[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
}

/** The model that images are hashed with. */
export function ModelFacts({
  model,
  fits,
  otherwise,
}: {
  model: Station["model"];
  fits: string;
  otherwise: string;
}) {
  return (
    <>
      <h2>Model</h2>
      <Facts
        facts={[
          ["Name", model.name],
          ["Tile size", `${model.tile_size} px`],
          ["Lineage", model.lineage, "mono"],
          ["Fits", model.fits ? fits : <b class="bad">{otherwise}</b>],
        ]}
      />
    </>
  );
}
