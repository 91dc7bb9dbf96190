// Calls the service at the address given with a client that openapi-generator made, and prints what came.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"ripple"
)

func score(client *ripple.APIClient, request ripple.ScoreRequest) *ripple.ScoreResponse {
	answer, _, err := client.ScoresAPI.Score(context.Background()).ScoreRequest(request).Execute()
	check(err)
	return answer
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	configuration := ripple.NewConfiguration()
	configuration.Servers = ripple.ServerConfigurations{{URL: os.Args[1]}}
	client := ripple.NewAPIClient(configuration)
	ctx := context.Background()

	ids := ripple.NewScoreByIds([]string{"c0003", "nobody"})
	two := int32(2)
	ids.SetExplain(ripple.ScoreByFeaturesExplain{Int32: &two})
	byIds := score(client, ripple.ScoreByIdsAsScoreRequest(ids))

	reach := 30.5
	sent := ripple.NewCustomerFeatures(map[string]*float64{"reach_90d": &reach})
	sent.SetCustomerId("c0003")
	features := ripple.NewScoreByFeatures([]ripple.CustomerFeatures{*sent})
	byFeatures := score(client, ripple.ScoreByFeaturesAsScoreRequest(features))

	top, _, err := client.ScoresAPI.Top(ctx).Limit(3).Segment("plan pro").Execute()
	check(err)
	model, _, err := client.ScoresAPI.Model(ctx).Execute()
	check(err)
	plays, _, err := client.ScoresAPI.Plays(ctx).Owner("mia").Execute()
	check(err)
	history, _, err := client.ScoresAPI.History(ctx, "c0003").Execute()
	check(err)
	held, _, err := client.ScoresAPI.Customer(ctx, "c0005").Execute()
	check(err)
	tested, _, err := client.ScoresAPI.Experiments(ctx).Execute()
	check(err)
	one, _, err := client.ScoresAPI.Experiment(ctx, "a/b ü").Execute()
	check(err)
	_, response, err := client.ScoresAPI.Customer(ctx, "nobody").Execute()
	var failure *ripple.GenericOpenAPIError
	if !errors.As(err, &failure) {
		panic("expected an error")
	}
	problem := failure.Model().(ripple.ErrorResponse)

	reasons, members := []string{}, []string{}
	for _, reason := range byIds.Customers[0].GetExplanation().Value.Reasons {
		reasons = append(reasons, reason.Feature)
	}
	for _, customer := range top.Customers {
		members = append(members, customer.GetCustomerId())
	}
	listed, costs, versions := []string{}, []float64{}, []int{}
	for _, customer := range plays.Customers {
		listed = append(listed, customer.CustomerId)
		costs = append(costs, customer.GetMaxCost())
	}
	for _, score := range history.History {
		version, err := strconv.Atoi(score.ModelVersion)
		check(err)
		versions = append(versions, version)
	}
	names := []string{}
	for _, experiment := range tested.Experiments {
		names = append(names, experiment.Name)
	}
	printed, err := json.Marshal(map[string]any{
		"as_of":            byIds.AsOf,
		"value":            byIds.Customers[0].NetworkValue,
		"reasons":          reasons,
		"not_found":        byIds.NotFound,
		"overridden":       byFeatures.Customers[0].Overridden,
		"overridden_value": byFeatures.Customers[0].NetworkValue,
		"top":              members,
		"features":         len(model.Features),
		"plays":            listed,
		"max_costs":        costs,
		"history":          versions,
		"arm":              held.Experiments[0].Arm,
		"experiments":      names,
		"low":              one.Experiment.Plays[0].Effects[0].Low,
		"error":            problem.Error.Code,
		"status":           response.StatusCode,
	})
	check(err)
	fmt.Println(string(printed))
}
