/** A finished quadrant drawn anew by itself: offered where that leaves no seam, with the reason where it would. */

import { useEffect, useState } from "preact/hooks";
import { refused, tell, whyNotFill, wish } from "./actions";
import { postAgain, Refused, tryAgain, type QuadrantView } from "./api";
import { Icon } from "./icons";
import { hush, insist, reply } from "./replies";
import { figuresSoon } from "./refresh";
import { layer, model, modelId } from "./state";
import { added, price } from "./words";
import { world } from "./world";

export function Again({ of }: { of: QuadrantView }) {
  const cell = [of.x, of.y] as const;
  const drawn = layer.value === "render" ? world.drawn : layer.value;
  const current = of.versions.find((one) => one.current && one.layer === drawn);
  const [why, setWhy] = useState<string | null>(null);
  useEffect(() => {
    let isOld = false;
    setWhy(null);
    if (!current) return;
    const look = async (): Promise<string> => {
      try {
        await tryAgain(cell, wish());
        return "";
      } catch (error) {
        if (error instanceof Refused) return (await refused("Generate", error)).text;
        throw error;
      }
    };
    void look().then((text) => {
      if (!isOld) setWhy(text);
    });
    return () => {
      isOld = true;
    };
    // The server proves it on the map as it is: asked again with each answer about the quadrant.
  }, [of, modelId.value]);
  if (!current) return null;
  const off = whyNotFill() || why;
  const cost = model.value?.cost_per_image;
  const word = off === null ? "Asking whether that leaves a seam." : off ? `Not by itself: ${off}` : `Legal, no seam.${cost ? ` Costs ${price(cost)}.` : ""}`;
  const go = async (): Promise<void> => {
    const place = `quadrant:${cell.join()}`;
    hush(place);
    try {
      const answer = await insist(place, () => postAgain(cell, wish()), (busy) => reply(place, busy));
      hush(place);
      if (answer) tell(added(answer.jobs.length, answer.position));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      reply(place, await refused("Generate", error));
    }
    figuresSoon(50);
  };
  return (
    <section class="facts again" data-again={off === null ? "asking" : off ? "off" : "on"}>
      {!off && (
        <button type="button" class="button" data-act="generate-again" disabled={off === null} onClick={() => void go()}>
          <Icon name="generate" />
          Generate again
        </button>
      )}
      <p class="note">{word}</p>
    </section>
  );
}
