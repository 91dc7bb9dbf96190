def test_recency_and_days_with_use(matrix):
    assert matrix.days_since_last_use.fillna(-1).to_list() == [1, 1, 1, 1, -1]
    assert matrix.days_since_first_use.fillna(-1).to_list() == [50, 50, 50, 50, -1]
    assert matrix.active_days_30d.to_list() == [30, 30, 30, 30, 0]


def test_a_daily_habit_is_steady_and_spans_weeks(matrix):
    assert matrix.events_7d.to_list() == [7, 7, 7, 7, 0]
    assert matrix.usage_trend_7d.fillna(-1).to_list() == [0.5, 0.5, 0.5, 0.5, -1]
    # 50 days are seven weeks and a day
    assert matrix.weeks_in_a_row.to_list() == [8, 8, 8, 8, 0]


def test_the_percentile_is_the_share_of_customers_below(matrix):
    assert matrix.engagement_percentile_30d.to_list() == [0.25, 0.25, 0.25, 0.25, 0]
