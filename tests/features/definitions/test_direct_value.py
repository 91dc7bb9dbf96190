def test_recency_and_frequency_leave_refunds_out(matrix):
    assert matrix.days_since_last_order.fillna(-1).to_list() == [41, 30, 20, -1, -1]
    assert matrix.order_count_30d.to_list() == [0, 1, 1, 0, 0]


def test_revenue_takes_refunds_off(matrix):
    assert matrix.revenue_30d.to_list() == [-30, 50, 80, 0, 0]
    assert matrix.total_revenue.to_list() == [90, 50, 80, 0, 0]


def test_products_margin_and_tenure(matrix):
    assert matrix.products_bought.to_list() == [2, 1, 1, 0, 0]
    assert matrix.margin_share.round(9).fillna(-1).to_list() == [round(33 / 90, 9), 0.4, 0.375, -1, -1]
    assert set(matrix.tenure_days) == {171}
