import pandas as pd

from ripple.training.insights.customer_histories import MAX_LISTED, MIN_LISTED, listed_customers


def test_all_of_the_top_are_listed_within_limits():
    def scores(members, customers=1000):
        rank = pd.Series(range(customers, 0, -1), name="rank")
        return pd.DataFrame({"rank": rank, "top_member": rank <= members})

    assert list(listed_customers(scores(60))["rank"]) == list(range(1, 61))
    assert len(listed_customers(scores(3))) == MIN_LISTED
    assert len(listed_customers(scores(700))) == MAX_LISTED
    assert len(listed_customers(scores(3, customers=9))) == 9


def test_a_listed_customer_has_features_and_labels_of_every_cutoff_they_were_there_at(result, examples):
    histories, everybody = result.insights.histories, listed_customers(result.population.scores).index
    assert set(histories.labels.index.get_level_values("customer_id")) <= set(everybody)
    for cutoff, one in examples.items():
        there = [name for name in everybody if name in one.rows.index]
        assert there
        for name in there[:5]:
            assert histories.labels.loc[(name, cutoff)].equals(one.labels.loc[name])
            assert histories.features.loc[(name, cutoff)].equals(one.features.loc[name])
        assert len(histories.features.xs(cutoff, level="cutoff")) == len(there)


def test_whom_they_influenced_is_of_the_latest_closed_window(result, examples, plan):
    histories = result.insights.histories
    assert (histories.start, histories.end) == (plan.grid[-1], plan.grid[-1] + plan.horizon)
    assert not histories.influenced.empty
    assert set(histories.influenced["source_id"]) <= set(listed_customers(result.population.scores).index)
    referred = histories.influenced[histories.influenced["referred"]].groupby("source_id")["value"].sum()
    labels = examples[plan.grid[-1]].labels["referral_value"].reindex(referred.index)
    pd.testing.assert_series_equal(referred, labels, check_names=False)
    listed = set(listed_customers(result.population.scores).index)
    assert set(histories.influencers["target_id"]) <= listed
    both = histories.influenced["target_id"].isin(listed)
    assert len(histories.influencers) > both.sum() > 0
