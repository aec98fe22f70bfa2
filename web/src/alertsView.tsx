// The watch list.

import { useEffect } from "preact/hooks";
import { address, link } from "./address";
import { AlertView } from "./alertView";
import { ExamplePicture } from "./examplePicture";
import { agoText, count } from "./format";
import { ListTable } from "./listTable";
import { events } from "./live";
import { NewAlert } from "./newAlert";
import { decisionText } from "./rate";
import { clock, useTitle } from "./shell";
import { Trouble } from "./trouble";
import { alerts, alertsTrouble, disabledAlerts, loadAlerts } from "./watchList";

export function AlertsView() {
  useEffect(() => void loadAlerts(), []);
  const name = address.value.path[1];
  if (name === "new") return <NewAlert />;
  if (name !== undefined) return <AlertView key={name} name={name} />;
  return <WatchList />;
}

function WatchList() {
  useTitle("Alerts");
  return (
    <main class="page" id="main">
      <header class="head">
        <h1>Watch list</h1>
        <p>
          A watch compares each new tile with these alerts. To add one, search for a tile of the kind, then
          choose <b>Make an alert</b>.
        </p>
      </header>
      <Trouble>{alertsTrouble.value}</Trouble>
      <Trouble>
        {disabledAlerts.value.length > 0 &&
          `Disabled: ${disabledAlerts.value.map(({ name }) => name).join(", ")}. A disabled alert has no example with a code by the store's model. Add it again with other examples.`}
      </Trouble>
      {alerts.value?.length === 0 && (
        <p class="empty">
          No alert yet. <a href={link(["search"])}>Search for a tile of the kind that you want to find</a>.
        </p>
      )}
      {!!alerts.value?.length && (
        <ListTable
          columns={[
            "Alert",
            "Examples",
            "Decides by",
            { number: "Not like" },
            { number: "In the feed" },
            "Last match",
          ]}
        >
          {alerts.value.map((alert) => {
            const found = events.value.filter((event) =>
              (event.alerts ?? event.tile?.alerts ?? []).some((one) => one.name === alert.name),
            );
            return (
              <tr key={alert.name}>
                <th scope="row">
                  <a href={link(["alerts", alert.name])}>{alert.name}</a>
                </th>
                <td>
                  <ul class="thumbs">
                    {alert.examples.slice(0, 6).map((text) => (
                      <li key={text}>
                        <ExamplePicture text={text} size={64} />
                      </li>
                    ))}
                    {alert.examples.length > 6 && <li class="rest">+{alert.examples.length - 6}</li>}
                  </ul>
                </td>
                <td>{decisionText(alert)}</td>
                <td class="number">{count(alert.negatives.length)}</td>
                <td class="number">
                  <a href={link(["live"], { alert: alert.name })}>{count(found.length)}</a>
                </td>
                <td>{found[0]?.at ? agoText(found[0].at, clock.value) : "none"}</td>
              </tr>
            );
          })}
        </ListTable>
      )}
    </main>
  );
}
