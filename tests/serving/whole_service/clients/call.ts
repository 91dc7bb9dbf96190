// Calls the service at the address given with a client whose types openapi-typescript made, and prints what came.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type ScoreRequest = components["schemas"]["ScoreRequest"];

const client = createClient<paths>({ baseUrl: process.argv[2] });

async function score(body: ScoreRequest): Promise<components["schemas"]["ScoreResponse"]> {
  const { data, error } = await client.POST("/v1/score", { body });
  if (error) throw new Error(error.error.message);
  return data;
}

// @ts-expect-error: neither ids nor customers
const neither: ScoreRequest = { explain: 1 };
// @ts-expect-error: an answer has a reason only where one was asked for
const always = (one: components["schemas"]["CustomerScore"]): components["schemas"]["Explanation"] => one.explanation;

const byIds = await score({ customer_ids: ["c0003", "nobody"], explain: 2 });
const byFeatures = await score({ customers: [{ customer_id: "c0003", features: { reach_90d: 30.5 } }] });
const top = await client.GET("/v1/top", { params: { query: { limit: 3, segment: "plan pro" } } });
const model = await client.GET("/v1/model");
const plays = await client.GET("/v1/plays", { params: { query: { owner: "mia" } } });
const path = { customer_id: "c0003" };
const history = await client.GET("/v1/customers/{customer_id}/history", { params: { path } });
const held = await client.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: "c0005" } } });
const tested = await client.GET("/v1/experiments");
const one = await client.GET("/v1/experiments/{name}", { params: { path: { name: "a/b ü" } } });
const unknown = await client.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: "nobody" } } });
console.log(
  JSON.stringify({
    as_of: new Date(byIds.as_of).toISOString(),
    value: byIds.customers[0]?.network_value,
    reasons: byIds.customers[0]?.explanation?.value.reasons.map((reason) => reason.feature),
    not_found: byIds.not_found,
    overridden: byFeatures.customers[0]?.overridden,
    overridden_value: byFeatures.customers[0]?.network_value,
    top: top.data?.customers.map((customer) => customer.customer_id),
    features: model.data?.features.length,
    plays: plays.data?.customers.map((customer) => customer.customer_id),
    max_costs: plays.data?.customers.map((customer) => customer.max_cost),
    history: history.data?.history.map((score) => Number(score.model_version)),
    arm: held.data?.experiments[0]?.arm,
    experiments: tested.data?.experiments.map((experiment) => experiment.name),
    low: one.data?.experiment.plays[0]?.effects[0]?.low,
    error: unknown.error?.error.code,
    status: unknown.response.status,
    refused: [typeof neither, typeof always].length,
  }),
);
